/** Version of the program, from `package.json`. */
declare const __KOPI_VERSION__: string;
