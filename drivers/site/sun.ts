/** Where the sun stands and what reaches the ground under a clear sky: pure functions of time and place. */

export interface SolarPosition {
  /** Radians, north positive. */
  readonly declination: number;
  /** Minutes that a sundial is ahead of the mean sun. */
  readonly equationOfTimeMinutes: number;
  /** Radians from local solar noon, afternoon positive. */
  readonly hourAngle: number;
  /** Cosine of the zenith angle; negative below the horizon. */
  readonly cosZenith: number;
}

const degree = Math.PI / 180;

/**
 * Solar position by the Fourier series of Spencer (1971), good to about 0.01 rad.
 * @param time Unix seconds
 * @param latitude degrees, north positive
 * @param longitude degrees, east positive
 */
export function solarPosition(time: number, latitude: number, longitude: number): SolarPosition {
  const yearStart = Date.UTC(new Date(time * 1000).getUTCFullYear(), 0, 1) / 1000;
  const g = (2 * Math.PI * ((time - yearStart) / 86_400 - 0.5)) / 365;
  const declination =
    0.006918 -
    0.399912 * Math.cos(g) +
    0.070257 * Math.sin(g) -
    0.006758 * Math.cos(2 * g) +
    0.000907 * Math.sin(2 * g) -
    0.002697 * Math.cos(3 * g) +
    0.00148 * Math.sin(3 * g);
  const equationOfTimeMinutes =
    229.18 *
    (0.000075 +
      0.001868 * Math.cos(g) -
      0.032077 * Math.sin(g) -
      0.014615 * Math.cos(2 * g) -
      0.040849 * Math.sin(2 * g));
  const utcMinutes = (((time % 86_400) + 86_400) % 86_400) / 60;
  const solarMinutes = utcMinutes + equationOfTimeMinutes + 4 * longitude;
  // Wrapped to half a turn either side of noon, so that the angle says morning or afternoon at any longitude.
  const turn = (((solarMinutes / 1440) % 1) + 1) % 1;
  const hourAngle = (turn - 0.5) * 2 * Math.PI;
  const phi = latitude * degree;
  const cosZenith = Math.sin(phi) * Math.sin(declination) + Math.cos(phi) * Math.cos(declination) * Math.cos(hourAngle);
  return { declination, equationOfTimeMinutes, hourAngle, cosZenith };
}

/**
 * Global horizontal irradiance under a clear sky, W/m² (Haurwitz 1945: 1098·cosθ·exp(−0.059/cosθ)); 0 at night.
 * @param cosZenith cosine of the sun's zenith angle
 */
export const clearSkyGhi = (cosZenith: number): number =>
  cosZenith <= 0 ? 0 : 1098 * cosZenith * Math.exp(-0.059 / cosZenith);
