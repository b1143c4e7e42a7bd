// Starts every workflow with the server's time skipping, for which the TypeScript client has no option: a sleep of two days takes a tenth of a second.
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import proto from '@temporalio/proto';

const { StartWorkflowExecutionRequest } = proto.temporal.api.workflowservice.v1;
const extra = StartWorkflowExecutionRequest.encode({ timeSkippingConfig: { enabled: true } }).finish();

/** A serialised protobuf message may be extended by concatenation: the last value of a field wins. */
export const timeSkipping: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    sendMessage(message: Buffer, next: (message: Buffer) => void) {
      next(options.method_definition.path.endsWith('/StartWorkflowExecution') ? Buffer.concat([message, extra]) : message);
    },
  });
