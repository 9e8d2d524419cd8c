cimport cython

from gunicorn.instrument.task_board cimport TaskBoard

from ._octets cimport Frame
from .frames cimport ERROR, ITEM, WINDOW


@cython.final
cdef class App:
    cdef readonly str path
    cdef readonly object waiting
    cdef readonly list places


@cython.final
cdef class Place:
    cdef readonly list apps
    cdef readonly object id
    cdef public bint is_leaving
    cdef readonly dict running
    cdef public int told
    cdef public long long turn
    cdef readonly Py_ssize_t width


@cython.final
cdef class Call:
    cdef readonly App app
    cdef public object caller
    cdef readonly double came_at
    cdef readonly double gives_up_at
    cdef readonly long long id
    cdef public bint is_late
    cdef readonly int marks
    cdef readonly unsigned long long number
    cdef public object payload
    cdef public Place place
    cdef public double room
    cdef public double since
    cdef readonly bytes target

    cdef begin(self, long long id, object caller, Frame frame, App app, double now)


@cython.final
cdef class Router:
    cdef dict _apps
    cdef TaskBoard _board
    cdef readonly dict _callers
    cdef long long _last_id
    cdef object _limits
    cdef long long _octets
    cdef object _outlet
    cdef dict _places
    cdef double _seconds
    cdef bint _stopping
    cdef object _timed
    cdef long long _turn
    cdef public bint failing

    @cython.locals(first=Call)
    cpdef object moment(self)
    @cython.locals(calls=dict, app=App, call=Call, path=str)
    cpdef call(self, object caller, Frame frame, double now)
    @cython.locals(place=Place)
    cdef _start_or_queue(self, Call call, App app, double now)
    cdef _problem(self, App app, Frame frame)
    @cython.locals(call=Call)
    cpdef cancel(self, object caller, unsigned long long number)
    @cython.locals(call=Call)
    cpdef more(self, object caller, unsigned long long number, double items, double now)
    @cython.locals(found=Place, call=Call)
    cpdef say(self, object place, Frame frame, double now)
    cdef _take_item(self, Call call, Frame frame, double now)
    @cython.locals(failed=bint)
    cdef _take_end(self, Place place, Call call, Frame frame, double now)
    @cython.locals(best=Place, place=Place)
    cdef Place _free_place(self, App app)
    cdef _start(self, Place place, Call call, double now)
    cdef _time(self, Call call, double now)
    @cython.locals(app=App, call=Call)
    cdef _deal(self, Place place, double now)
    @cython.locals(state=int)
    cdef _tell_drained(self, Place place)
    cdef _forget(self, Call call, bint failed=*)
    @cython.locals(calls=dict)
    cdef _release(self, Call call, str result)
    cdef _answer_with(self, Call call, object error, str result=*)
    cdef _give_up(self, Call call, object error, str result)


@cython.locals(first="long long", best=App, app=App, number="long long")
cdef App _longest_waited(Place place)
