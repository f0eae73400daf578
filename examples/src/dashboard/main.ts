/** The dashboard as a program: `node examples/dist/dashboard/main.js --port 8081 --traffic`. */
import { parseArgs } from "node:util";
import { dashboardApp } from "./dashboard-app.js";
import { addDemoRoutes, makeDemoTraffic } from "./demo-traffic.js";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8081" },
    host: { type: "string", default: "127.0.0.1" },
    interval: { type: "string", default: "1000" },
    traffic: { type: "boolean", default: false },
  },
});
const { app, watch } = dashboardApp({ interval: Number(values.interval) });
addDemoRoutes(app);
const server = await app.listen({ port: Number(values.port), host: values.host, signals: true });
watch(server);
console.log(`Dashboard on ${server.url}`);
if (values.traffic) await makeDemoTraffic(server);
