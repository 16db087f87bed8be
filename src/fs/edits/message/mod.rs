//! A message that differs from its file.

pub(in crate::fs) mod attributes;
pub(in crate::fs) mod creators;
pub(in crate::fs) mod directory;
pub(in crate::fs) mod editing;
pub(in crate::fs) mod entries;
pub(in crate::fs) mod numbers;
pub(in crate::fs) mod process;
pub(in crate::fs) mod removals;
pub(in crate::fs) mod renames;
pub(in crate::fs) mod shown;
pub(in crate::fs) mod temporary;
pub(in crate::fs) mod waiting;
