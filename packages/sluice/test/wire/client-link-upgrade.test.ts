import { describe, expect, test } from "vitest";
import { ScriptedTransport } from "../../src/net/scripted.js";
import type { LinkRequest } from "../../src/wire/link-exchange.js";
import { Linked } from "./client-link-setup.js";

const OFFER = { fields: ["upgrade", "test"], faultOf: () => undefined };
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n";

function upgradeRequest(): LinkRequest {
  const head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: test\r\n\r\n";
  return { method: "GET", head, payload: undefined, chunked: false, upgrade: OFFER };
}

describe("client link: an upgrade (RFC 9110 §7.8)", () => {
  test("101 hands the connection to the exchange, with the bytes that came behind the head", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    linked.packets(`${SWITCH}first bytes`);
    expect(exchange.log).toEqual(["sent", "head 101 0", "upgrade first bytes"]);
    expect([linked.upgraded, linked.gone, linked.reusable]).toEqual([1, 0, 0]);
    expect(linked.link.usable).toBe(false);
    expect(linked.transport.destroyed).toBe(false);
  });

  test.each(Array.from({ length: SWITCH.length + 4 }, (_, cut) => cut))("cut at %i: not a byte is lost", (cut) => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    const wire = `${SWITCH}\x81\x02hi`;
    linked.packets(wire.slice(0, cut), wire.slice(cut));
    const later: string[] = [];
    linked.transport.attach({
      onData: (bytes) => later.push(Buffer.from(bytes).toString("latin1")),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    linked.transport.resume();
    linked.transport.flush();
    expect(exchange.rest + later.join("")).toBe("\x81\x02hi");
  });

  test("rest belongs to the exchange: the packet's buffer may be used again", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    const packet = Buffer.from(`${SWITCH}abc`);
    linked.packets(packet);
    packet.fill(0);
    expect(exchange.rest).toBe("abc");
  });

  test("nothing is delivered between the hand-over and the next handler", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    linked.packets(SWITCH, "more");
    expect(exchange.log).toEqual(["sent", "head 101 0", "upgrade "]);
    expect(exchange.error).toBeUndefined();
  });

  test("interim answers may come before it", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    linked.packets(`HTTP/1.1 103 Early Hints\r\n\r\n${SWITCH}`);
    expect(exchange.log).toEqual(["sent", "informational 103", "head 101 0", "upgrade "]);
  });

  test("another answer is an answer, and the connection can be used again", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    linked.packets("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    expect(exchange.log).toEqual(["sent", "head 403 2", "end"]);
    expect([linked.upgraded, linked.gone, linked.reusable]).toEqual([0, 0, 1]);
  });

  test("101 to a request that did not ask for it breaks the connection off", () => {
    const linked = new Linked();
    const exchange = linked.send();
    linked.packets(SWITCH);
    expect(exchange.log).toEqual(["sent", "failure http1/unexpected-upgrade, answered"]);
    expect([linked.upgraded, linked.gone]).toEqual([0, 1]);
    expect(linked.transport.destroyed).toBe(true);
  });

  test("an exchange that ends at the head gets no connection: it is closed", () => {
    const linked = new Linked();
    const exchange = linked.send(upgradeRequest());
    exchange.atHead = () => linked.link.abandon();
    linked.packets(`${SWITCH}abc`);
    expect(exchange.log).toEqual(["sent", "head 101 0"]);
    expect([linked.upgraded, linked.gone]).toEqual([0, 1]);
    expect(linked.transport).toBeInstanceOf(ScriptedTransport);
    expect(linked.transport.destroyed).toBe(true);
  });
});
