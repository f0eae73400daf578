/**
 * A certificate for tests, and its key: for `localhost`, the loopback addresses, `example.com` and its subdomains,
 * valid from 2020 to 2099. It secures nothing, because everyone has its key, and it can sign no other certificate. Made with OpenSSL:
 * P-256, self-signed, `CA:FALSE`.
 */

const CERTIFICATE = [
  "MIIB+jCCAaCgAwIBAgIUPHIfSOoDOcovuCwR6/JXSY4wY+wwCgYIKoZIzj0EAwIw",
  "KzEVMBMGA1UECgwMU2x1aWNlIHRlc3RzMRIwEAYDVQQDDAlsb2NhbGhvc3QwIBcN",
  "MjAwMTAxMDAwMDAwWhgPMjA5OTEyMzEyMzU5NTlaMCsxFTATBgNVBAoMDFNsdWlj",
  "ZSB0ZXN0czESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D",
  "AQcDQgAE5kgbxBS37yseg7xtN3pW2XGu3WArlz20fwdooZI0r6z2pPKLUnyK7pa8",
  "gk3/O2cvrcqZvyax+36wgEAe/Fj/aKOBnzCBnDAMBgNVHRMBAf8EAjAAMA4GA1Ud",
  "DwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDATBIBgNVHREEQTA/gglsb2Nh",
  "bGhvc3SCC2V4YW1wbGUuY29tgg0qLmV4YW1wbGUuY29thwR/AAABhxAAAAAAAAAA",
  "AAAAAAAAAAABMB0GA1UdDgQWBBRAtsIwCUgpeLNnuBxdvFIvSTSlhjAKBggqhkjO",
  "PQQDAgNIADBFAiEA2j3swhM/h2xopu0C3maBSotA1LZbsXhN3DImbY3lTsECICI7",
  "FZU2WzHB9MiYpyG4M00aKI/E/ZbIt17Wtqi34RlV",
];
const KEY = [
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1Z7yhMBDQQ6nt65p",
  "sGNbMEwJVaGorAY8vb1dS5saJ/uhRANCAATmSBvEFLfvKx6DvG03elbZca7dYCuX",
  "PbR/B2ihkjSvrPak8otSfIrulryCTf87Zy+typm/JrH7frCAQB78WP9o",
];

/** The certificate in PEM: what clients are to trust. */
export const TEST_CERTIFICATE = pem("CERTIFICATE", CERTIFICATE);
/** Its key in PEM. */
export const TEST_CERTIFICATE_KEY = pem("PRIVATE KEY", KEY);

/** RFC 7468 §2. */
function pem(label: string, lines: readonly string[]): string {
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
