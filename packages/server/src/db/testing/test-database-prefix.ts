/** What the databases of single tests are called, so that a later run finds those of a killed one. */
export const testDatabasePrefix = "test_";
