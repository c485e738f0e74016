import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { forgetStart } from "./residence.ts";

/** Calls from one collection to the next: it takes some 30 ms, and a call leaves some 40 KiB behind. */
const often = 300;
/** As many times as often where it is never quiet. */
const patience = 10;

/**
 * To be told of each call that ended, with how many are at work still. V8 would not look for garbage among what is old
 * before there are tens of MiB of it, in a process whose live objects are 10.
 */
export function makeCollector(collect: () => void = loadCollect()): (atWork: number) => void {
  let calls = 0;
  return (atWork) => {
    calls++;
    if (calls < often || (atWork > 0 && calls < often * patience)) return;
    calls = 0;
    // The answer goes out first.
    setImmediate(collect);
  };
}

/**
 * V8 hands its collector to contexts that are made after the flag was set, and in no other way to a running process.
 * What is meant for the last resort is the one that also gives back the pages V8 keeps in reserve, 35 MiB of them.
 */
function loadCollect(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: (options: object) => void = runInNewContext("gc");
  return () => {
    gc({ type: "major", execution: "sync", flavor: "last-resort" });
    forgetStart();
  };
}
