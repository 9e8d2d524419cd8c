from gunicorn.gateway.gateway cimport Gateway
from .scope cimport Scopes


cdef class ASGIGatewayState(Gateway):
    cdef public object context
    cdef public bint deflates
    cdef public double grace_seconds
    cdef public Py_ssize_t high_water
    cdef public long long largest_message
    cdef public bint leaving
    cdef public double look_seconds
    cdef public object loop
    cdef public Py_ssize_t most_queued
    cdef public double ping_interval
    cdef public double ping_timeout
    cdef readonly Scopes scopes
    cdef public dict seen_sent
    cdef public set sockets
    cdef readonly dict task_arguments
    cdef public set tasks
    cdef public bint watches
    cdef public object writer

    cpdef report(self, cycle)
