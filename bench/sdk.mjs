export * from '@opentelemetry/sdk-trace-base';
