cimport cython
from gunicorn.engine.buffers cimport BodyStore, BodyStream
from gunicorn.engine.driver cimport Driver
from gunicorn.http.request cimport Request
from gunicorn.wire.http2 cimport HTTP2
from gunicorn.wire.http2_streams cimport Stream
from .http2_answers cimport LEAST_SHARE, MultiplexedConnection, StreamAnswers


cdef Py_ssize_t BODY_PROGRESS, STORED_WINDOW


cdef class StreamExchange


cdef class CreditedBody(BodyStream):
    cdef StreamExchange _exchange
    cdef long long _number


cdef class StreamExchange(StreamAnswers):
    cdef public BodyStore body
    cdef readonly Driver driver
    cdef readonly list early
    cdef readonly long long unheeded

    cdef begin(self, MultiplexedConnection session)
    cdef open(self, Stream state, Request request)
    cpdef bint is_running(self) except -1
    cpdef bint is_lost(self) except -1
    cpdef bint disconnected(self) except -1
    cpdef bint watch_client(self) except -1
    cpdef bint is_secure(self) except -1
    cpdef bint may_reconnect(self) except -1
    cpdef bint is_attended(self) except -1
    cpdef bint expect_body(self, Request request) except -1
    @cython.locals(protocol=HTTP2, limit="long long")
    cpdef feed(self, bytes data)
    @cython.locals(request=Request, stream=BodyStream)
    cpdef bint end_body(self, list trailers) except -1
    cpdef credit(self, long long number, long long count)
    @cython.locals(request=Request)
    cpdef send_continue(self)
    cpdef pull(self)
    cpdef await_body(self, bint waits)
    @cython.locals(stream=BodyStream)
    cpdef give_up_body(self, fault=*)
    cpdef expect_driver(self)
    cpdef become(self, Driver driver)
    @cython.locals(early=list, unheeded="long long")
    cpdef go_on(self)
    @cython.locals(driver=Driver)
    cdef _feed_driver(self, bytes data)
    @cython.locals(driver=Driver)
    cdef _end_driver(self)
    @cython.locals(driver=Driver)
    cdef _credit_driver(self, long long count)
    cpdef write(self, data)
    cpdef write_two(self, bytes head, body)
    @cython.locals(stream=BodyStream)
    cdef bint _lacks(self, bint body) except -1
    cpdef finish(self, bint keep)
    cpdef bint conclude(self, bint keep) except -1
    cdef _finish(self, bint keep)
    @cython.locals(request=Request)
    cpdef close(self)
    cpdef refuse(self, error)
    cpdef drop(self)
