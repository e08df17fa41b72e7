mod blocks;
mod contracts;
mod ethereum;
mod properties;
mod refusals;
mod trees;
