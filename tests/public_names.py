"""The names that others import from this package, and how each is called: what does not change by itself.

A module; in it classes and exceptions with what makes them, functions, and values with their type; beneath a class what
is called on it, or replaced in a subclass. Annotations are left out, and so are signatures that are not our own.
"""

TABLE = """\
gunicorn
    value SERVER: str
    value SERVER_SOFTWARE: str
    value __version__: str
    value version_info: tuple

gunicorn.app.base
    class Application(usage=None, prog=None)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        reload(self)
        run(self)
        wsgi(self)
    class BaseApplication(usage=None, prog=None)
        do_load_config(self)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_default_config(self)
        reload(self)
        run(self)
        wsgi(self)

gunicorn.app.wsgiapp
    class WSGIApplication(usage=None, prog=None)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        load_pasteapp(self)
        load_wsgiapp(self)
        reload(self)
        run(self)
        wsgi(self)
    function run(prog=None)

gunicorn.app.pasterapp
    class PasterApplication(usage=None, prog=None)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        load_pasteapp(self)
        load_wsgiapp(self)
        reload(self)
        run(self)
        wsgi(self)
    class PasterServerApplication(app, global_conf, local_conf)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        reload(self)
        run(self)
        wsgi(self)
    function get_wsgi_app(config_uri, name=None, defaults=None)
    function has_logging_config(config_file)
    function run()
    function serve(app, global_conf, **local_conf)

gunicorn.app.djangoapp
    class DjangoApplication(usage=None, prog=None)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        reload(self)
        run(self)
        wsgi(self)
    class DjangoApplicationCommand(options, admin_media_path=None)
        chdir(self)
        do_load_config(self)
        get_config_from_filename(self, filename)
        get_config_from_module_name(self, module_name)
        init(self, parser, opts, args)
        load(self)
        load_config(self)
        load_config_from_file(self, filename)
        load_config_from_module_name_or_filename(self, location)
        load_default_config(self)
        reload(self)
        run(self)
        wsgi(self)
    function run()
    value ENVIRONMENT_VARIABLE: str

gunicorn.arbiter
    class Arbiter(app)
        APP_LOAD_ERROR
        LISTENERS
        SIGNALS
        SIG_NAMES
        START_CTX
        WORKERS
        WORKER_BOOT_ERROR
        halt(self, reason=None, exit_status=0)
        handle_chld(self)
        handle_hup(self)
        handle_int(self)
        handle_quit(self)
        handle_term(self)
        handle_ttin(self)
        handle_ttou(self)
        handle_usr1(self)
        handle_usr2(self)
        handle_winch(self)
        init_signals(self)
        kill_worker(self, pid, sig)
        kill_workers(self, sig)
        manage_workers(self)
        maybe_promote_master(self)
        murder_workers(self)
        num_workers
        reap_workers(self)
        reexec(self)
        reload(self)
        run(self)
        setup(self, app)
        signal(self, sig, frame=None)
        spawn_worker(self)
        spawn_workers(self)
        start(self)
        stop(self, graceful=True)
        wakeup(self)
    value SERVER_SOFTWARE: str

gunicorn.config
    class AccessLog()
    class Bind()
    class Config(usage=None, prog=None)
        address
        env
        get_cmd_args_from_env(self)
        gid
        is_ssl
        logger_class
        parser(self)
        paste_global_conf
        proc_name
        reuse_port
        sendfile
        set(self, name, value, source='application')
        ssl_options
        uid
        worker_class
        worker_class_str
    class PreRequest()
    class Setting()
        action
        add_option(self, parser)
        cli
        const
        copy(self)
        default
        desc
        get(self)
        meta
        name
        nargs
        section
        set(self, val)
        short
        type
        validator
    class WorkerClass()
    class Workers()
    function auto_int(_, x)
    function get_default_config_file()
    function make_settings(ignore=None)
    function validate_asgi_lifespan(val)
    function validate_asgi_loop(val)
    function validate_bool(val)
    function validate_callable(arity)
    function validate_chdir(val)
    function validate_class(val)
    function validate_dict(val)
    function validate_file_exists(val)
    function validate_group(val)
    function validate_header_map_behaviour(val)
    function validate_http2_cleartext(val)
    function validate_http2_frame_size(val)
    function validate_http2_stream_limit(val)
    function validate_http2_window_size(val)
    function validate_http_parser(val)
    function validate_http_protocols(val)
    function validate_list_of_files_or_patterns(val)
    function validate_list_string(val)
    function validate_pos_int(val)
    function validate_post_request(val)
    function validate_proxy_protocol(val)
    function validate_reload_engine(val)
    function validate_ssl_version(val)
    function validate_statsd_address(val)
    function validate_string(val)
    function validate_string_to_addr_list(val)
    function validate_string_to_list(val)
    function validate_user(val)
    value KNOWN_SETTINGS: list
    value PLATFORM: str

gunicorn.debug
    class Spew(trace_names=None, show_values=True)
        __call__(self, frame, event, arg)
    function spew(trace_names=None, show_values=False)
    function unspew()

gunicorn.dirty
    class DirtyApp
        __call__(self, action, *args, **kwargs)
        close(self)
        init(self)
    value stash: module
    class DirtyArbiter(app, log, listener, socket_path, orders, ppid, board)
    function cancelled()
    function set_dirty_socket_path(path)

gunicorn.dirty.app
    class DirtyApp
    function get_app_workers_attribute(path)
    function load_dirty_app(path)
    function load_dirty_apps(paths)
    function parse_dirty_app_spec(spec)

gunicorn.dirty.client
    class DirtyAsyncStreamIterator(client, app_path, action, args, kwargs)
        close(self)
    class DirtyClient(socket_path, timeout=30.0)
        close(self)
        close_async(self)
        connect(self)
        connect_async(self)
        execute(self, app_path, action, *args, **kwargs)
        execute_async(self, app_path, action, *args, **kwargs)
        stream(self, app_path, action, *args, **kwargs)
        stream_async(self, app_path, action, *args, **kwargs)
    class DirtyStreamIterator(client, app_path, action, args, kwargs)
        close(self)
    function close_dirty_client()
    function close_dirty_client_async()
    function get_dirty_client(timeout=30.0)
    function get_dirty_client_async(timeout=30.0)
    function get_dirty_socket_path()
    function set_dirty_socket_path(path)

gunicorn.dirty.errors
    exception DirtyAppError(message, app_path=None, action=None, traceback=None, error_type=None)
    exception DirtyAppNotFoundError(app_path)
    exception DirtyConnectionError(message='Connection failed', socket_path=None)
    exception DirtyError(message, details=None)
        from_dict(cls, data)
        to_dict(self)
    exception DirtyNoWorkersAvailableError(app_path, message=None)
    exception DirtyProtocolError(message='Protocol error', raw_data=None)
    exception DirtyQueueFullError(app_path, message=None)
    exception DirtyTimeoutError(message='Operation timed out', timeout=None)
    exception DirtyWorkerError(message, worker_id=None, traceback=None)

gunicorn.dirty.stash
    class StashClient(socket_path, timeout=30.0)
        add(self, table, key, n=1)
        clear(self, table)
        close(self)
        delete(self, table, key)
        delete_table(self, table)
        ensure(self, table)
        exists(self, table, key=None)
        get(self, table, key, default=None)
        info(self, table)
        keys(self, table, pattern=None)
        put(self, table, key, value, ttl=None)
        put_if(self, table, key, expected, value, ttl=None)
        table(self, name)
        tables(self)
    exception StashError(message, details=None)
    exception StashKeyNotFoundError(table_name, key)
    class StashTable(client, name)
        add(self, key, n=1)
        clear(self)
        get(self, key, default=None)
        items(self)
        keys(self, pattern=None)
        put(self, key, value, ttl=None)
        put_if(self, key, expected, value, ttl=None)
        values(self)
    exception StashTableNotFoundError(table_name)
    function add(table, key, n=1)
    function clear(table)
    function delete(table, key)
    function delete_table(table)
    function ensure(table)
    function exists(table, key=None)
    function get(table, key, default=None)
    function get_stash_socket_path()
    function info(table)
    function keys(table, pattern=None)
    function put(table, key, value, ttl=None)
    function put_if(table, key, expected, value, ttl=None)
    function set_stash_socket_path(path)
    function table(name)
    function tables()

gunicorn.dirty.worker
    class DirtyWorker(age, ppid, cfg, log, wanted, socket_path, page, channel, control)

gunicorn.errors
    exception AppImportError
    exception ConfigError
    exception HaltServer(reason, exit_status=1)

gunicorn.glogging
    class Logger(cfg)
        LOG_LEVELS
        access(self, resp, req, environ, request_time)
        access_fmt
        access_log_enabled
        atoms(self, resp, req, environ, request_time)
        atoms_wrapper_class
        close_on_exec(self)
        critical(self, msg, *args, **kwargs)
        datefmt
        debug(self, msg, *args, **kwargs)
        error(self, msg, *args, **kwargs)
        error_fmt
        exception(self, msg, *args, **kwargs)
        info(self, msg, *args, **kwargs)
        log(self, lvl, msg, *args, **kwargs)
        loglevel
        now(self)
        reopen_files(self)
        setup(self, cfg)
        syslog_fmt
        warning(self, msg, *args, **kwargs)
    class SafeAtoms(atoms)
        __getitem__(self, name)
    function loggers()
    function parse_syslog_address(addr)
    value CONFIG_DEFAULTS: dict
    value SYSLOG_FACILITIES: dict

gunicorn.http
    class Message(cfg, unreader, peer_addr)
        force_close(self)
        parse(self, unreader)
        parse_headers(self, data, from_trailer=False)
        set_body_reader(self)
        should_close(self)
    class Request(cfg, unreader, peer_addr, req_number=1)
        force_close(self)
        parse(self, unreader)
        parse_headers(self, data, from_trailer=False)
        parse_request_line(self, line_bytes)
        set_body_reader(self)
        should_close(self)
    class RequestParser(cfg, source, source_addr)
        __iter__(self)
        __next__(self)
        finish_body(self, deadline=None, max_bytes=None)
        mesg_class
        next(self)
    function get_parser(cfg, source, source_addr, http2_connection=False)

gunicorn.http.body
    class Body(reader)
        __iter__(self)
        __next__(self)
        getsize(self, size)
        next(self)
        read(self, size=None)
        readline(self, size=None)
        readlines(self, size=None)
    class ChunkedReader(req, unreader)
        read(self, size)
    class EOFReader(unreader)
        read(self, size)
    class LengthReader(unreader, length)
        read(self, size)

gunicorn.http.errors
    exception ChunkMissingTerminator(detail=None)
    exception ConfigurationProblem(detail=None)
    exception ExpectationFailed(detail=None)
    exception ForbiddenProxyRequest(detail=None)
    exception InvalidChunkExtension(detail=None)
    exception InvalidChunkSize(detail=None)
    exception InvalidH2CPreface(detail=None)
    exception InvalidHTTPVersion(detail=None)
    exception InvalidHeader(hdr=None, req=None)
    exception InvalidHeaderName(hdr=None)
    exception InvalidProxyHeader(detail=None)
    exception InvalidProxyLine(detail=None)
    exception InvalidRequestLine(detail=None)
    exception InvalidRequestMethod(detail=None)
    exception InvalidResponseHeader(hdr=None, req=None)
    exception InvalidResponseHeaderName(hdr=None)
    exception InvalidSchemeHeaders(detail=None)
    exception LimitRequestHeaders(detail=None)
    exception LimitRequestLine(size=None, max_size=None)
    exception NoMoreData(buf=None)
    exception ObsoleteFolding(detail=None)
    exception ParseException
    exception UnsupportedTransferCoding(detail=None)

gunicorn.http.message
    class Body(reader)
    class ChunkedReader(req, unreader)
    class EOFReader(unreader)
    class LengthReader(unreader, length)
    class Message(cfg, unreader, peer_addr)
    class Request(cfg, unreader, peer_addr, req_number=1)
    exception InvalidHeader(hdr=None, req=None)
    exception InvalidHeaderName(hdr=None)
    exception InvalidRequestLine(detail=None)
    exception LimitRequestHeaders(detail=None)
    exception LimitRequestLine(size=None, max_size=None)
    exception NoMoreData(buf=None)
    function bytes_to_str(b)
    function split_request_uri(uri)
    value DEFAULT_MAX_HEADERFIELD_SIZE: int
    value MAX_HEADERS: int
    value MAX_REQUEST_LINE: int
    value METHOD_BADCHAR_RE: Pattern
    value TOKEN_RE: Pattern
    value VERSION_RE: Pattern

gunicorn.http.parser
    class Parser(cfg, source, source_addr)
        __iter__(self)
        __next__(self)
        finish_body(self, deadline=None, max_bytes=None)
        mesg_class
        next(self)
    class RequestParser(cfg, source, source_addr)

gunicorn.http.unreader
    class IterUnreader(iterable)
    class SocketUnreader(sock, max_chunk=8192)
    class Unreader()
        chunk(self, size_hint=None)
        read(self, size=None, read_ahead=None)
        take_buffered(self)
        unread(self, data)

gunicorn.http.wsgi
    class FileWrapper(filelike, blksize=8192)
        __getitem__(self, key)
        __iter__(self)
    class Response(req, sock, cfg)
        can_sendfile(self)
        close(self)
        default_headers(self)
        force_close(self)
        is_chunked(self)
        process_headers(self, headers)
        send_headers(self)
        sendfile(self, respiter)
        should_close(self)
        start_response(self, status, headers, exc_info=None)
        status_code
        write(self, arg)
        write_file(self, respiter)
    class WSGIErrorsWrapper(cfg)
        flush(self)
        write(self, data)
        writelines(self, lines)
    exception ConfigurationProblem(detail=None)
    exception InvalidResponseHeader(hdr=None, req=None)
    exception InvalidResponseHeaderName(hdr=None)
    function base_environ(cfg)
    function create(req, sock, client, server, cfg, response_class=None, response_args=())
    function default_environ(req, sock, cfg)
    function proxy_environ(req)
    value BLKSIZE: int
    value HEADER_VALUE_RE: Pattern
    value SERVER: str
    value SERVER_SOFTWARE: str
    value STATUS_RE: Pattern
    value TOKEN_RE: Pattern
    value log: Logger

gunicorn.instrument.statsd
    class Statsd(cfg)
        access(self, resp, req, environ, request_time)
        critical(self, msg, *args, **kwargs)
        debug(self, msg, *args, **kwargs)
        decrement(self, name, value, sampling_rate=1.0)
        error(self, msg, *args, **kwargs)
        exception(self, msg, *args, **kwargs)
        gauge(self, name, value)
        histogram(self, name, value)
        increment(self, name, value, sampling_rate=1.0)
        info(self, msg, *args, **kwargs)
        log(self, lvl, msg, *args, **kwargs)
        timer(self, name, value)
        warning(self, msg, *args, **kwargs)
    value COUNTER_TYPE: str
    value GAUGE_TYPE: str
    value HISTOGRAM_TYPE: str
    value METRIC_VAR: str
    value MTYPE_VAR: str
    value TIMER_TYPE: str
    value VALUE_VAR: str

gunicorn.pidfile
    class Pidfile(fname, umask=0)
        create(self, pid)
        rename(self, path)
        unlink(self)
        validate(self)

gunicorn.reloader
    class InotifyReloader(extra_files=None, callback=None)
        add_extra_file(self, filename)
        get_files(self)
        run(self)
    class Reloader(extra_files=None, interval=1, callback=None)
        add_extra_file(self, filename)
        get_files(self)
        run(self)
    class ReloaderBase(extra_files=None, callback=None)
        add_extra_file(self, filename)
        get_files(self)
        run
    class preferred_reloader
    value COMPILED_EXT_RE: Pattern
    value has_inotify: bool
    value reloader_engines: dict

gunicorn.sock
    class BaseSocket(address, conf, log, fd=None)
        FAMILY
        bind(self, sock)
        close(self)
        set_options(self, sock, bound=False)
    class TCP6Socket(address, conf, log, fd=None)
        FAMILY
        bind(self, sock)
        close(self)
        set_options(self, sock, bound=False)
    class TCPSocket(address, conf, log, fd=None)
        FAMILY
        bind(self, sock)
        close(self)
        set_options(self, sock, bound=False)
    class UnixSocket(address, conf, log, fd=None)
        FAMILY
        bind(self, sock)
        close(self)
        set_options(self, sock, bound=False)
    function close_sockets(listeners, unlink=True)
    function create_sockets(conf, log, fds=None, borrowed=True)
    function ssl_context(conf)
    function ssl_wrap_socket(sock, conf)

gunicorn.systemd
    function listen_fds(unset_environment=True)
    function sd_notify(state, logger, unset_environment=False)
    value SD_LISTEN_FDS_START: int

gunicorn.util
    exception AppImportError
    function _setproctitle(title)
    function bytes_to_str(b)
    function check_is_writable(path)
    function chown(path, uid, gid)
    function close(sock)
    function close_graceful(sock, timeout=2.0, max_drain=65536)
    function close_on_exec(fd)
    function daemonize(enable_stdio_inheritance=False)
    function get_arity(f)
    function get_username(uid)
    function getcwd()
    function has_fileno(obj)
    function http_date(timestamp=None)
    function import_app(module)
    function is_glob_pattern(value)
    function is_hoppish(header)
    function is_ipv6(addr)
    function load_class(uri, default='gunicorn.workers.sync.SyncWorker', section='gunicorn.workers')
    function make_fail_app(msg)
    function parse_address(netloc, default_port='8000')
    function reraise(tp, value, tb=None)
    function seed()
    function set_non_blocking(fd)
    function set_owner_process(uid, gid, initgroups=False)
    function split_request_uri(uri)
    function to_bytestring(value, encoding='utf8')
    function unlink(filename)
    function unquote_to_wsgi_str(string)
    function warn(msg)
    function write(sock, data, chunked=False)
    function write_chunk(sock, data)
    function write_error(sock, status_int, reason, mesg)
    function write_nonblock(sock, data, chunked=False)
    value REDIRECT_TO: str
    value SUPPORTED_WORKERS: dict
    value hop_headers: set

gunicorn.workers
    value SUPPORTED_WORKERS: dict

gunicorn.workers.base
    class Worker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        load_wsgi(self)
        notify(self)
        run(self)

gunicorn.workers.base_async
    class AsyncWorker(*args, **kwargs)
        PIPE
        SIGNALS
        handle(self, listener, client, addr)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, listener_name, req, sock, addr)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_already_handled(self, respiter)
        load_wsgi(self)
        notify(self)
        run(self)
        timeout_ctx(self)
    value ALREADY_HANDLED: object

gunicorn.workers.gasgi
    class ASGIWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        load_wsgi(self)
        notify(self)
        run(self)

gunicorn.workers.gaiohttp
    class AiohttpWorker

gunicorn.workers.ggevent
    class GeventPyWSGIWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle(self, listener, client, addr)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, listener_name, req, sock, addr)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_already_handled(self, respiter)
        load_wsgi(self)
        notify(self)
        patch(self)
        run(self)
        server_class
        setup(cls)
        timeout_ctx(self)
        wsgi_handler
    class GeventResponse(status, headers, clength)
    class GeventWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle(self, listener, client, addr)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, listener_name, req, sock, addr)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_already_handled(self, respiter)
        load_wsgi(self)
        notify(self)
        patch(self)
        run(self)
        server_class
        setup(cls)
        timeout_ctx(self)
        wsgi_handler
    class PyWSGIHandler
    class PyWSGIServer
    class PyWSGIWorker
    value VERSION: str

gunicorn.workers.geventlet
    class EventletWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle(self, listener, client, addr)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, listener_name, req, sock, addr)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_already_handled(self, respiter)
        load_wsgi(self)
        notify(self)
        patch(self)
        run(self)
        setup(cls)
        timeout_ctx(self)

gunicorn.workers.gthread
    class TConn(cfg, sock, client, server, view=None)
        close(self, graceful=False)
        init(self)
        set_timeout(self)
    class ThreadWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        accept(self, listener)
        enqueue_req(self, conn)
        finish_request(self, conn, fs)
        get_thread_pool(self)
        handle(self, conn)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, req, conn)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_parent_alive(self)
        load_wsgi(self)
        notify(self)
        run(self)

gunicorn.workers.gtornado
    class TornadoWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        load_wsgi(self)
        notify(self)
        run(self)

gunicorn.workers.sync
    class SyncWorker(age, ppid, sockets, app, timeout, cfg, log)
        PIPE
        SIGNALS
        accept(self, listener)
        handle(self, listener, client, addr)
        handle_abort(self, sig, frame)
        handle_error(self, req, client, addr, exc)
        handle_exit(self, sig, frame)
        handle_quit(self, sig, frame)
        handle_request(self, listener, req, client, addr)
        handle_usr1(self, sig, frame)
        handle_winch(self, sig, frame)
        init_process(self)
        init_signals(self)
        is_parent_alive(self)
        load_wsgi(self)
        notify(self)
        run(self)
        run_for_multiple(self, timeout)
        run_for_one(self, timeout)
        wait(self, timeout)
    exception StopWaiting

gunicorn.workers.workertmp
    class WorkerTmp(cfg=None, slot=None)
        close(self)
        fileno(self)
        last_update(self)
        notify(self)
"""
