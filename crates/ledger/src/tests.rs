mod blocks;
mod contracts;
mod ethereum;
mod parts;
mod properties;
mod refusals;
mod trees;
