// The engine is measured where it ships.
[assembly: System.Diagnostics.CodeAnalysis.ExcludeFromCodeCoverage]
