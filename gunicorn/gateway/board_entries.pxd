from gunicorn.http.request cimport Request
from gunicorn.instrument._board cimport Board


cpdef enter(Board board, Request request, double moment, ids)
