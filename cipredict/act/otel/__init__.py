"""The door to an OpenTelemetry collector: runs as spans and metrics, in the names of the CI/CD semantic conventions.

The SDK is used for its data model and its OTLP exporters; its clocks and samplers have no part in this: times are those
of the past. https://opentelemetry.io/docs/specs/semconv/cicd/
"""
