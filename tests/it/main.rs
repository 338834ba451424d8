mod admission;
mod control_plane;
mod crds;
mod faults;
mod proxy;
