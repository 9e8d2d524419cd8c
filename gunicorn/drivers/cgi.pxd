cimport cython
from gunicorn.engine._leaf cimport is_leaving, send
from gunicorn.engine.buffers cimport MOST_AT_ONCE, FileSegment, OutputBuffer
from gunicorn.engine.listener cimport Listener
from gunicorn.engine.opener cimport Opener
from gunicorn.engine.state cimport EngineState
from gunicorn.engine.transport cimport Transport
from gunicorn.http._octets cimport joined
from gunicorn.http.fields cimport FieldTable
from gunicorn.http.request cimport Request
from gunicorn.http.response cimport LENGTH, NO_BODY
from gunicorn.http.response_head cimport ResponseHead
from gunicorn.http.variables cimport VariableTable
from gunicorn.wire.cgi_response cimport cgi_octets_of, settle_for_cgi
from gunicorn.wire.fastcgi cimport MOST_CONTENT, STDOUT, FastCGI, end_of_answer, record_head
from gunicorn.wire.packet cimport AS_HTTP, NOT_AT_ALL, CGIProtocol
from gunicorn.wire.protocol cimport REPLY
from gunicorn.wire.scgi cimport Scgi
from gunicorn.wire.uwsgi cimport Uwsgi
from .http1 cimport Connection
from .http1_ending cimport READING, RUNNING


cdef Py_ssize_t JOINED
cdef int NOTHING, BEGUN, ENDED


cdef class CGIConnection(Connection):
    cdef readonly bint as_http
    cdef readonly bint has_status_line

    cdef begin_cgi(self, bint has_status_line)
    cpdef start(self, ResponseHead head)
    cdef bytes head_octets(self, ResponseHead head, bytes content)
    cpdef bytes packed(self, bytes octets)
    cpdef send_continue(self)
    cpdef refuse(self, error)


cdef class FastCGIConnection(CGIConnection):
    cdef readonly int answer_state
    cdef readonly bint cut_short
    cdef readonly bint ends
    cdef readonly FastCGI records
    cdef readonly bint stays
    cdef readonly bint waits
    cdef readonly long long written

    cdef begin_records(self, FastCGI protocol)
    cdef take(self, int event)
    @cython.locals(octets=bytes)
    cdef _reply(self)
    cpdef start(self, ResponseHead head)
    @cython.locals(request=Request, engine=EngineState)
    cdef bint _may_stay(self)
    cpdef send(self, ResponseHead head, bytes data, bint last)
    @cython.locals(number=int, start=Py_ssize_t, piece=bytes, parts=list)
    cpdef bytes packed(self, bytes octets)
    @cython.locals(size=Py_ssize_t, number=int, start=Py_ssize_t)
    cpdef write(self, data)
    cpdef write_last(self, bytes data)
    @cython.locals(ends=bint)
    cpdef write_two(self, bytes head, body)
    cpdef long long write_file(self, int fd, long long offset, long long count) except? -2
    cpdef OutputBuffer make_output(self, Py_ssize_t bound, str directory)
    @cython.locals(number=int, parts=list)
    cdef bytes _small(self, data)
    @cython.locals(octets=bytes)
    cdef _write_end(self, bint last)
    cpdef finish(self, bint keep)


cdef class RecordOutput(OutputBuffer):
    cdef FastCGI _records


cdef class CGIOpener(Opener):
    cdef str _name
    cdef double _next_complaint
    cdef object _peers
    cdef Py_ssize_t _turned_away
    cdef VariableTable _variables

    @cython.locals(connection=CGIConnection, protocol=CGIProtocol, records=FastCGI, in_records=FastCGIConnection)
    cpdef Transport open(
        self, EngineState engine, int fd, peer, Listener listener, FieldTable table, bint trusted, bint may_proxy)
