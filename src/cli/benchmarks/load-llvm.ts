/** Loaded before a node whose memory is measured with libLLVM in it. */
import { llvmTarget } from "../../compiler/index.js";

llvmTarget();
