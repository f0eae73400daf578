/** Keys and certificates as Node takes them: text stays text, any bytes become a Buffer over the same memory. */
export function bytesOf(material: string | Uint8Array): string | Buffer {
  if (typeof material === "string") return material;
  return Buffer.from(material.buffer, material.byteOffset, material.byteLength);
}
