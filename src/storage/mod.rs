//! IStorage: compound files (\[MS-CFB\]) and their storages and streams.
