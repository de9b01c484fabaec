// Frames of stack traces, and whether they are ours. Knows the JVM, JavaScript and Python.
// Refuses: deciding about code it cannot name; what is not known to be a library's is ours and stays open.

/** A frame of a trace. */
export interface StackFrame {
  /** The library's short name, when it is not ours. */
  library: string | null;
  /** `File.java:48`, when the frame names it. */
  place: string | null;
}

const JVM = /^\s*at (?:[\w.@$-]+\/)*((?:[\w$]+\.)+)[\w$<>]+\.?[\w$<>]*\(([^()]*)\)/;
const JVM_MORE = /^\s*\.\.\. (\d+) (?:more|common frames omitted)/;
const SCRIPT =
  /^\s*at (?:(?:async |new )?[^()]*\()?((?:node:|internal\/|file:\/\/|webpack:|\/|[A-Za-z]:\\|\.{0,2}\/|[\w@.-]+\/)?[^()\s]*?):(\d+)(?::\d+)?\)?\s*$/;
const PYTHON = /^\s*File "([^"]+)", line (\d+)/;

const JVM_LIBRARIES: readonly [string, string][] = [
  ["java.", "java.lang"],
  ["javax.", "javax"],
  ["jakarta.", "jakarta"],
  ["jdk.", "jdk"],
  ["sun.", "sun"],
  ["com.sun.", "sun"],
  ["org.apache.maven.surefire", "surefire"],
  ["org.apache.maven", "maven"],
  ["org.junit", "org.junit"],
  ["junit.", "org.junit"],
  ["org.opentest4j", "org.junit"],
  ["org.assertj", "assertj"],
  ["org.mockito", "mockito"],
  ["org.springframework", "spring"],
  ["org.apache.", "apache"],
  ["org.hibernate", "hibernate"],
  ["org.gradle", "gradle"],
  ["com.fasterxml", "jackson"],
  ["com.zaxxer", "hikari"],
  ["com.mysql", "mysql"],
  ["io.netty", "netty"],
  ["io.reactivex", "rx"],
  ["reactor.", "reactor"],
  ["kotlin.", "kotlin"],
  ["kotlinx.", "kotlin"],
  ["scala.", "scala"],
  ["groovy.", "groovy"],
  ["ch.qos.logback", "logback"],
];

/** The frame that a line without colours is; none when it is not one. */
export function frameOf(plain: string): StackFrame | null {
  if (plain.length > 1000) return null;
  const jvm = JVM.exec(plain);
  if (jvm !== null) {
    const owner = jvm[1] ?? "";
    const library = JVM_LIBRARIES.find(([prefix]) => owner.startsWith(prefix));
    const place = jvm[2] ?? "";
    if (/:\d+$/.test(place) || /^(?:Native Method|Unknown Source)$/.test(place)) {
      return {
        library: library?.[1] ?? null,
        place: /:\d+$/.test(place) && !place.includes("/") ? place : null,
      };
    }
  }
  if (JVM_MORE.test(plain)) return { library: "", place: null };
  const script = SCRIPT.exec(plain);
  if (script !== null) {
    const path = script[1] ?? "";
    return { library: scriptLibrary(path), place: `${path.replace(/^.*[\\/]/, "")}:${script[2] ?? ""}` };
  }
  const python = PYTHON.exec(plain);
  if (python !== null) {
    const path = python[1] ?? "";
    const library =
      /site-packages\/([\w.-]+)/.exec(path)?.[1] ?? (/\/lib\/python[\d.]+\//.test(path) ? "python" : null);
    return { library, place: `${path.replace(/^.*\//, "")}:${python[2] ?? ""}` };
  }
  return null;
}

function scriptLibrary(path: string): string | null {
  const module = /node_modules\/((?:@[\w.-]+\/)?[\w.-]+)/g;
  let name: string | null = null;
  for (const match of path.matchAll(module)) name = match[1] ?? null;
  if (name !== null) return name;
  return /^(?:node:|internal\/|internal\\|<anonymous>|native)/.test(path) ||
    /^(?:events|module|timers|net|_stream_\w+)\.js$/.test(path)
    ? "node"
    : null;
}
