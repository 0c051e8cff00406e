// The npm alias `node-pty` installs @lydell/node-pty, which declares its types under its own name only.
/// <reference path="../../node_modules/node-pty/node-pty.d.ts" />
declare module 'node-pty' {
  export * from '@lydell/node-pty';
}
