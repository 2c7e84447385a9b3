// Empty: an assembly file in the package is what lets tensor.go declare a function
// whose body the linker finds elsewhere.
