export * from "./status";
export * from "./names";
