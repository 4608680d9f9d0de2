"""How the cases of .NET frameworks are called, whichever of NUnit, xUnit.net, MSTest, TRX or JUnit wrote the report."""

from __future__ import annotations


def dotnet_id(full_name: str, class_name: str = "") -> str:
    """Give `Namespace.Class+Inner::Method(arguments)`.

    Without a class name, the class ends at the last dot before the arguments.

    >>> dotnet_id("Shop.CartTests.Total(price: 1.5)")
    'Shop.CartTests::Total(price: 1.5)'
    >>> dotnet_id("Total", "Shop.CartTests")
    'Shop.CartTests::Total'
    """
    if class_name:
        return f"{class_name}::{full_name.removeprefix(class_name + '.')}"
    path, bracket, arguments = full_name.partition("(")
    owner, dot, method = path.rpartition(".")
    return f"{owner}::{method}{bracket}{arguments}" if dot and " " not in path else full_name
