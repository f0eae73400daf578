/**
 * fast-check as the tests import it. In CI its seed is always the same: what fails there has to fail for whoever looks into it, and a change
 * is to be judged by what it changes. Everywhere else each run tries other values, and a failure prints the seed and path that repeat it.
 */
import fc from "../../node_modules/fast-check/lib/fast-check.js";

const CI_SEED = 9110;

if (process.env["CI"] === "true") fc.configureGlobal({ seed: CI_SEED });

export default fc;
