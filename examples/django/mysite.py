"""A Django project in one file: a page, a form with an upload, a stream."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for this example",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
)


def index(request):
    return HttpResponse(f"Hello from {request.build_absolute_uri()}\n", content_type="text/plain")


@csrf_exempt
def upload(request):
    return JsonResponse({name: file.size for name, file in request.FILES.items()})


def stream(request):
    return StreamingHttpResponse((f"line {i}\n" for i in range(100)), content_type="text/plain")


urlpatterns = [path("", index), path("upload", upload), path("stream", stream)]
app = get_wsgi_application()
