"""The test kit that ships with the product: fixtures, fakes, and one contract class for each contract."""
