import type { Verbs } from "../../lib/cni/plugin.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { gc } from "./gc.ts";
import { status } from "./status.ts";

export const verbs: Verbs = { add, del, check, status, gc };
