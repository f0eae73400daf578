import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { identityFrom } from "../../src/serve/identity.js";
import { selfSigned } from "../../src/serve/self-signed.js";
import { UsageProblem } from "../../src/usage-problem.js";
import { emptyFolder } from "../support/folder.js";

const tlsFile = (name: string): string =>
  fileURLToPath(new URL(`../../../sluice/test/fixtures/tls/${name}`, import.meta.url));

test("a certificate made for the occasion has this machine's names and addresses, and is no authority", async () => {
  const { cert, key, fingerprint } = await identityFrom("self-signed", ["192.0.2.7", "files.example"]);
  const made = new X509Certificate(cert);
  for (const name of ["localhost", "files.example", hostname()]) expect(made.checkHost(name)).toBeDefined();
  for (const address of ["127.0.0.1", "::1", "192.0.2.7"]) expect(made.checkIP(address)).toBeDefined();
  expect(made.checkHost("example.com")).toBeUndefined();
  expect({ ca: made.ca, fingerprint: made.fingerprint256 }).toEqual({ ca: false, fingerprint });
  expect(made.verify(made.publicKey)).toBe(true);
  expect(made.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]); // serverAuth
  const [from, to] = [Date.parse(made.validFrom), Date.parse(made.validTo)];
  expect(from).toBeLessThan(Date.now());
  expect((to - from) / 86_400_000).toBe(397);
  expect(() => createSecureContext({ cert, key })).not.toThrow();
});

test("each one has a key and a serial number of its own", async () => {
  const [one, other] = await Promise.all([selfSigned(["localhost"]), selfSigned(["localhost"])]);
  expect(one.key).not.toBe(other.key);
  expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(other.cert).serialNumber);
});

test("certificate and key come from files, which may be one", async () => {
  const [cert, key] = [tlsFile("server-cert.pem"), tlsFile("server-key.pem")];
  const { fingerprint, ...rest } = await identityFrom({ cert, key }, []);
  expect(rest).toEqual({ cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") });
  expect(fingerprint).toBe(new X509Certificate(rest.cert).fingerprint256);
  const both = join(await emptyFolder(), "both.pem");
  await writeFile(both, rest.key + rest.cert);
  expect((await identityFrom({ cert: both, key: both }, [])).fingerprint).toBe(fingerprint);
});

test("files that will not do are told by their names", async () => {
  const key = tlsFile("server-key.pem");
  await expect(identityFrom({ cert: "/no/such/file", key }, [])).rejects.toThrow(UsageProblem);
  await expect(identityFrom({ cert: key, key }, [])).rejects.toThrow(/there is no certificate in it/);
});

test("a key that is missing, encrypted, damaged or another's is told in our words, with the file's name", async () => {
  const [cert, key] = [tlsFile("server-cert.pem"), tlsFile("server-key.pem")];
  const pem = await readFile(key, "utf8");
  const told = async (source: { cert: string; key: string }) =>
    identityFrom(source, []).then(
      () => "nothing",
      (error: unknown) => (error instanceof UsageProblem ? error.message : String(error)),
    );
  const folder = await emptyFolder();
  const written = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const encrypted = createPrivateKey(pem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "x",
  });
  const damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  const damagedCert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  expect(await told({ cert, key: cert })).toBe(
    `Cannot use ${cert}: there is no private key in it (PEM); name the file that has it with --key`,
  );
  const empty = await written("empty.pem", "");
  expect(await told({ cert, key: empty })).toBe(`Cannot use ${empty}: there is no private key in it (PEM)`);
  expect(await told({ cert, key: await written("e.pem", String(encrypted)) })).toMatch(/its private key is encrypted/);
  expect(await told({ cert, key: await written("d.pem", damaged) })).toMatch(/its private key is damaged$/);
  expect(await told({ cert: await written("c.pem", damagedCert), key })).toMatch(/c\.pem: its certificate is damaged$/);
  const other = tlsFile("client-key.pem");
  expect(await told({ cert, key: other })).toBe(
    `Cannot use ${other}: its private key is not that of the certificate in ${cert}`,
  );
});
