cimport cython

from ._words cimport Words


cdef Py_ssize_t _APPS_AT, _CAME, _WAITING, _QUEUED, _QUEUED_NANOSECONDS, _RUNNING, _HISTOGRAM, _NANOSECONDS
cdef Py_ssize_t _P_CALLS, _P_ERRORS, _P_RUNNING, _C_TARGET, _C_ID, _C_PID, _C_STARTED, _NAME_ROOM, _ID_ROOM
cdef double _LONGEST
cdef Py_ssize_t _LAST_BUCKET
cdef Py_ssize_t _TABLES, _ENTRIES, _OCTETS, _MOST


@cython.final
cdef class TaskBoard:
    cdef dict _apps
    cdef dict _calls
    cdef object _clock
    cdef Words _counts
    cdef object _floats
    cdef list _free
    cdef object _octets
    cdef dict _processes
    cdef object _words
    @cython.locals(counts=Words)
    cpdef stash(self, Py_ssize_t tables, Py_ssize_t entries, long long octets, long long most)
    cpdef comes(self, str app)
    cpdef waits(self, str app, Py_ssize_t count)
    @cython.locals(
        counts=Words, now=double, row=Py_ssize_t, process=Py_ssize_t, shown=Py_ssize_t, waited=double, name=bytes,
        request_id=bytes)
    cpdef begins(self, long long call, str app, long long place, bytes target, double came_at)
    @cython.locals(counts=Words, row=Py_ssize_t, process=Py_ssize_t, shown=Py_ssize_t, began=double, ran=double)
    cpdef leaves(self, long long call, bint failed)
    cpdef ends(self, str app, str result)
    cdef Py_ssize_t _row_seen(self, str app) except -1


@cython.locals(rest="long long", bucket=Py_ssize_t)
cdef Py_ssize_t _bucket(double seconds) noexcept
