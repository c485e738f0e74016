import type { Database } from "./database.ts";

/** How many attachments each link of the host is a master of, by its name. */
export function loadOf(db: Database): ReadonlyMap<string, number> {
  // A plan is "" until it is made. One that is damaged is its own attachment's trouble: the others are counted.
  const rows = db.all(
    "SELECT CASE link.type WHEN 'object' THEN link.value ->> 'master' END AS master, count(*) AS links " +
      "FROM attachments, json_each(CASE WHEN json_valid(plan) THEN plan ELSE '{}' END, '$.links') AS link " +
      "WHERE attachments.state <> 'deleting' AND master IS NOT NULL GROUP BY master",
  );
  return new Map(rows.map(({ master, links }) => [String(master), Number(links)]));
}
