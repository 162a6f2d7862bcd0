export {
  type Calls,
  type Client,
  type ClientOptions,
  createClient,
  type NamedCalls,
  type RequestOptions,
} from "./client.js";
export { OutcomeUnknownError } from "./client-session.js";
export type { DeployedFunction, DeployedModule } from "./deployment-routes.js";
export type { FlowInService } from "./flow-routes.js";
export { type NodeOptions, type RunningNode, startNode } from "./node.js";
export { createNodeClient, type NodeClient } from "./node-client.js";
export { createNodeLog, type LogLevel, type LogLine, type NodeLog } from "./node-log.js";
