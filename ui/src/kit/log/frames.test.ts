import { expect, it } from "vitest";
import { frameOf } from "./frames";

it.each([
  [
    "\tat com.ihealth.glucose.GlucoseUnitTest.roundTrip(GlucoseUnitTest.java:63)",
    null,
    "GlucoseUnitTest.java:63",
  ],
  [
    "    at org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:39)",
    "org.junit",
    "AssertionUtils.java:39",
  ],
  ["    at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)", "jdk", null],
  ["\t... 18 more", "", null],
  ["    at Object.<anonymous> (/drone/src/test/unit.spec.js:12:7)", null, "unit.spec.js:12"],
  ["    at Runner.run (/drone/src/node_modules/mocha/lib/runner.js:900:5)", "mocha", "runner.js:900"],
  ["    at process._tickCallback (internal/process/next_tick.js:68:7)", "node", "next_tick.js:68"],
  ['  File "/usr/lib/python3.6/unittest/case.py", line 605, in run', "python", "case.py:605"],
  ['  File "/drone/src/app/views.py", line 12, in get', null, "views.py:12"],
])("knows whose %s is", (line, library, place) => {
  expect(frameOf(line)).toEqual({ library, place });
});

it.each(["at the end of the day", "[INFO] Running com.ihealth.Test", "look at src/app.js"])(
  "leaves %s alone",
  (line) => {
    expect(frameOf(line)).toBeNull();
  },
);
