/** The colours of the clusters: twelve hues, as bright as the page's scheme asks for. */

export const HUES = 12;

/** Return the colours as [red, green, blue] from 0 to 1; neighbours in number are far apart in hue. */
export function palette(dark) {
  const [lightness, chroma] = dark ? [0.76, 0.13] : [0.6, 0.15];
  return Array.from({ length: HUES }, (_, at) => srgb(lightness, chroma, (((at * 5) % HUES) * 2 * Math.PI) / HUES));
}

export const css = ([red, green, blue]) => `rgb(${Math.round(255 * red)} ${Math.round(255 * green)} ${Math.round(255 * blue)})`;

/** OKLCH to sRGB, as in CSS Color 4, clipped. */
function srgb(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map(gamma);
}

function gamma(value) {
  const bounded = Math.min(1, Math.max(0, value));
  return bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
}
