/** A folder that runs may work in. */
export interface Workspace {
  /** Its name in the config. */
  name: string;
  /** Absolute, symlinks resolved. */
  root: string;
}
