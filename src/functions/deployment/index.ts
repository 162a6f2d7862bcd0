export { bundleModule } from "./bundle.js";
export {
  type DeploymentRecord,
  deployments,
  type FlowRecord,
  type FunctionRecord,
  type PlannedDeployment,
  planDeployment,
  planRemoval,
} from "./deployment-record.js";
export { createDeployments, type DeploymentOptions, type Deployments } from "./deployments.js";
export { installModule, modulePath } from "./installation.js";
export { type ExportedFlow, importModule, type LoadedModule } from "./loaded-module.js";
export { hashOfModule, signModule, verifyModule } from "./signature.js";
export { warmUp } from "./warm-up.js";
