# What is the same wherever the image runs. The rest comes from where it runs: GUNICORN_* in the environment, flags
# behind the image's name.
wsgi_app = "app:app"
bind = "0.0.0.0:8000"
# As many as the container may use CPUs, and its memory allows.
workers = "auto"
accesslog = "-"
# Bodies that are larger than `body_buffer_size` lie here while they arrive. The root is not to be written to.
tmp_upload_dir = "/tmp"
