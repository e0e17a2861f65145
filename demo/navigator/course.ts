/** A place on the earth, in degrees; west and south are negative. */
export interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

/** The mean radius of the earth (IUGG) in statute miles. */
const earthMiles = 6_371.0088 / 1.609344;

/** The great circle from one place to another: its length, by the haversine formula, and the course at its beginning. */
export function courseOf(from: Position, to: Position): { miles: number; bearing: number } {
  const [lat1, lat2] = [radians(from.latitude), radians(to.latitude)];
  const east = radians(to.longitude - from.longitude);
  const half = Math.sin((lat2 - lat1) / 2) ** 2;
  const chord = half + Math.cos(lat1) * Math.cos(lat2) * Math.sin(east / 2) ** 2;
  const angle = 2 * Math.asin(Math.min(1, Math.sqrt(chord)));
  const bearing = Math.atan2(
    Math.sin(east) * Math.cos(lat2),
    Math.cos(lat1) * Math.sin(lat2) - Math.sin(lat1) * Math.cos(lat2) * Math.cos(east),
  );
  return {
    miles: Math.round(angle * earthMiles * 10) / 10,
    bearing: (Math.round((bearing * 180) / Math.PI) + 360) % 360,
  };
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
