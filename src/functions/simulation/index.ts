export {
  type ScenarioReport,
  type SimulationFailure,
  type SimulationOptions,
  type SimulationReport,
  scenarioNames,
  verifySimulation,
} from "./verification.js";
