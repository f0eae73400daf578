/** One small picture, a sluice gate over three waves, in four formats. Made for this package. */

/** 48 × 48, palette. */
const PNG = [
  "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwBAMAAAClLOS0AAAAGFBMVEXgz5NEeHIMXncLXnkLXngLXncKXnkEWXXP8dAMAAABGUlE",
  "QVR42t2QvUoDQRSFv9kdgoKwO2nShLiIaKli6gRFtLEP2NnYW/kW6dP4BD5CsBAsDGhjk8qEiBAQkokghJjMWuxuNLMi+NPoFGcO",
  "9xvOPYzY4ePj8FUgAe6s4VIC7D2mHQFTt2MKIMEE5xbItYNvtPqsroPqo6aTPsozUav7wyqZfDwvV8ksZCMw0TC+jkELeMrym63+",
  "C5Dx7SbfG/RmgTiKzcvNLODMByBct6IQUZb5WSsHhWeSh7EXRR+cDR47EA7eefegOcfkSjZ8zHP5zT+440J3ONq7Xe0OR6WLxanf",
  "lY2tZajpbVuFrxXhwLNVcwyQS6uo5E9ZKXVSKjb9IvWgpWwVnAA1ndI/ttwNK835tf3LlL4CF2Onr0YmcugAAAAASUVORK5CYII=",
];

/** 48 × 48, lossy. */
const JPEG = [
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA4KCw0LCQ4NDA0QDw4RFiQXFhQUFiwgIRokNC43NjMuMjI6QVNGOj1OPjIySGJJTlZY",
  "XV5dOEVmbWVabFNbXVn/2wBDAQ8QEBYTFioXFypZOzI7WVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZ",
  "WVlZWVlZWVn/wAARCAAwADADASIAAhEBAxEB/8QAGgAAAgMBAQAAAAAAAAAAAAAABAYAAgUBB//EADUQAAECBAALBQgDAAAAAAAA",
  "AAECBAADERIFExQVISIxMlFTYQaRoaLRMzZBVYGSlLJScYL/xAAYAQADAQEAAAAAAAAAAAAAAAAAAwQCAf/EACQRAAAFBAEEAwAA",
  "AAAAAAAAAAABAgMRBBITIWExQmKhFCJB/9oADAMBAAIRAxEAPwBfg/Mz/keYesAQ0oeTzgEurhjqbbR/KmyOVz7zNmKNnG+egjpW",
  "m3bsk6KdDFzM/wCR5h6xMzP+R5h6w3ZoffM0/jj1iZnffM0/jj1hOSt8PYfhpvL0FHMz/keYesAEUJB2iGrK54wGtyVgzk11rR8F",
  "U2QrE1JJ+MOon3nr8sfU41P51Capltu3HOynY5DCj3WP9H94Xo2UvG47PFvjRjqHUoa71YK9ClE3aUwogUiiTfJ9ph/ANBoMdANR",
  "oMeU4yZzF/cY5jJnMX9xinFyM/I4DCr3Zm/6/eFyNlLxuOzxbmaMdQ6umu9WMaJaFCkm7cUSoxqrUSrIPtIac1GDDMInh2xmjelB",
  "AWAelSCPrFrWGT3Bi8LXYXdda6vDdp08YLlreqlpDV8ydyUjVLiwLQOBC9I7zFcbPx9ThqUHdtAgexpXdrS3rSlOsWhEASUjBYmJ",
  "ErLHsw7smwIBPUgk90SajBhmETw7YzRvSggLAPSpBH1g1a3yUHKHzFpKI1lSLL1DgAjSfCJLW9VLSGr5k7kpAtyiwLQOBC9I7zBI",
  "I4AlrDJ7gxeFrsLuutdXhu06eMVlIwWJiRKyx7MJ1ZNgQFHgSCT3QXjZ+PqcNSg7toED2NK7taW9aUp1i6lvkpOUPmLSURrKkWXq",
  "HQI0nwgBA//Z",
];

/** 48 × 48, lossy. */
const WEBP = [
  "UklGRjICAABXRUJQVlA4ICYCAACwDgCdASowADAAPtFgq08oJaQ/pykj8BoJaAC2TYHafnbI33Vj//DJxCfwD9L8UB+kv7M+9b/M",
  "/8BlAHlM/tH8Ov/l9P9wG3QRaDvfWoKZ95CrO1oFPQCVUD0sgjkTvQ5ByXsin8UkQdGvkgyh+i7IxFBKBJeSXelw0V/+XfgA/vKX",
  "38BvwU1VZ8Ct9EMfSONEkqPqTGbsk5vov3fy9M98vyirX/iz+pkBwP4JxCnXZpBmv+IGR+047648jgIgf+/so3rKjhIlobFvN+lB",
  "YpppqmTthZvov86uuVGGmPWMIBIDgfDo/O3IV+6dW7SUh36et8PSh7dxDLGAIh1PXosr2izGalgYQCEnArYSQgWiLKFgCO7ks1Nz",
  "6GZ03UrWSrdGzkgP6hYMqvq9Flkk92q5umfKrKc0znfAvSjYr0cV82fNMXp3jGlIGjckrZbvMMyMXFX5CThjUZigC0BHE2UxRJnS",
  "jy4Zxov7s7McqAJtRzhtohNcDOvJ5bLfy9X+IgDgE+tvpxu/t9bHK2LvdISBHVBgvy1GzP3/FYU5C5tbleN3epbiT8xCiYdfe75g",
  "0zBKaYA6F9oGfiqlRxx4N5pXh9yi4j8tmBDkFmFtWP7pm8uVS0/kHOeFuTr34dYBdhUaIo5AoceoHZkeP5kYuKvyCl6IRHlFNBDU",
  "ILZEv9SqYjvohWsDTCnB154ajeMRNIV9ubykLdPydAj2bYdpAHcpzAS+AMAA",
];

/** As a drawing. */
export const SVG_IMAGE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">
  <rect width="48" height="48" fill="#0b5e78"/>
  <path d="M8 6h32v4H8zM10 10h4v20h-4zM34 10h4v20h-4z" fill="#ffb000"/>
  <path d="M16 12h16v12H16z" fill="#d8e6ea"/>
  <path d="M0 34q6 6 12 0t12 0t12 0t12 0M0 40q6 6 12 0t12 0t12 0t12 0" fill="none" stroke="#d8e6ea" stroke-width="2"/>
</svg>
`;

/** The file as bytes. */
export const PNG_IMAGE = decode(PNG);
/** The file as bytes. */
export const JPEG_IMAGE = decode(JPEG);
/** The file as bytes. */
export const WEBP_IMAGE = decode(WEBP);

function decode(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join(""), "base64");
}
