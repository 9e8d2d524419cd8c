cimport cython

from gunicorn.instrument.task_board cimport TaskBoard

from ._octets cimport Frame
from .frames cimport CALL, CANCEL, END, ERROR, ITEM, LEAVE, LEAVING, MORE, READY, RESULT, STASH, WORN
from .lines cimport CALLER, CONTROL, Line
from .router cimport Call, Router
from .stash_tables cimport StashTables


@cython.final
cdef class Switchboard:
    cdef TaskBoard _board
    cdef dict _callers
    cdef dict _controls
    cdef object _interest
    cdef long long _last_caller
    cdef dict _lines
    cdef double _now
    cdef dict _places
    cdef object _pool
    cdef public bint has_told
    cdef readonly Router router
    cdef readonly StashTables stash

    @cython.locals(now=double)
    cpdef list attend(self, object until)
    @cython.locals(others=list, line=Line)
    cdef list _serve(self, list events)
    cdef object _moment(self, object until)
    cdef _expire(self, double now)
    cdef _act(self, Line line, int why)
    cdef _hear_caller(self, Line line)
    @cython.locals(frame=Frame, kind=int)
    cdef bint _obey(self, Line line, list frames) except -1
    cdef _lose_caller(self, Line line)
    cdef _on_stash(self, Line line, Frame frame)
    cdef _tell_of_stash(self)
    @cython.locals(line=Line)
    cpdef start(self, object place, Call call)
    @cython.locals(line=Line)
    cpdef answer(self, object caller, unsigned long long number, int kind, object payload)
    @cython.locals(line=Line)
    cdef _control(self, object place, int kind, unsigned long long number, double amount)
    @cython.locals(frame=Frame, kind=int)
    cdef _hear(self, Line line)
    cdef _lose_place(self, Line line)
    @cython.locals(had="long long")
    cdef _send(
        self, Line line, int kind, unsigned long long number, object payload, bytes target, int marks, double amount)
    cdef _flush(self, Line line)
    cdef _relieve(self, Line line)
    cdef _close(self, Line line)
