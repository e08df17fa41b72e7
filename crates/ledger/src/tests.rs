mod blocks;
mod contracts;
mod ethereum;
mod execution_gas;
mod parts;
mod properties;
mod refusals;
mod trees;
