"""Django has no lifespan, no WebSocket and no background tasks of its own."""

import asyncio

import common
import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="for tests", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DATA_UPLOAD_MAX_MEMORY_SIZE=None,
)
django.setup()
tasks = set()


async def hello(request, name):
    return JsonResponse({"hello": name, "q": request.GET.get("q")})


async def form(request):
    return JsonResponse(request.POST.dict())


async def upload(request):
    digest = common.Digest()
    while part := request.read(65536):
        digest.add(part)
    return JsonResponse(digest.result())


async def stream(request):
    return StreamingHttpResponse(common.numbers(), content_type="text/plain")


async def sse(request):
    return StreamingHttpResponse(common.events(), content_type="text/event-stream")


async def background(request):
    task = asyncio.create_task(common.background())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return JsonResponse({})


async def endless(request):
    return StreamingHttpResponse(common.endless())


def seen(request):
    # A synchronous view, which Django runs in a thread.
    return JsonResponse(common.seen)


async def fail(request):
    raise RuntimeError("on purpose, early")


async def fail_late(request):
    return StreamingHttpResponse(common.breaking())


urlpatterns = [
    path("hello/<name>", hello), path("form", form), path("upload", upload), path("stream", stream), path("sse", sse),
    path("background", background), path("endless", endless), path("seen", seen), path("fail", fail),
    path("fail-late", fail_late),
]
app = get_asgi_application()
