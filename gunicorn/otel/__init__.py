"""OpenTelemetry: a span for each request, exported by OTLP. Nothing here is loaded unless `otel_spans` asks for it."""
