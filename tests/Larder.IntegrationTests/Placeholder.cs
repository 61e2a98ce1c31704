// The first real test replaces this file.
