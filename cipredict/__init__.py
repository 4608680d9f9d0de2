"""cipredict learns from a project's CI history and decides what CI should do next.

The public names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "AdvancedPipelineOrchestrator": "cipredict.pipeline",
    "CIPerfRegressionDetector": "cipredict.regression_detector",
    "ContainerOptimizer": "cipredict.container_optimizer",
    "DistributedTestOrchestrator": "cipredict.orchestrator",
    "IntelligentCacheManager": "cipredict.cache_manager",
    "PipelineMLPredictor": "cipredict.pipeline_predictor",
    "PipelineManager": "cipredict.pipeline",
    "PipelineOptimizationEngine": "cipredict.pipeline",
    "Worker": "cipredict.orchestrator",
}

__all__ = [
    "AdvancedPipelineOrchestrator",
    "CIPerfRegressionDetector",
    "ContainerOptimizer",
    "DistributedTestOrchestrator",
    "IntelligentCacheManager",
    "PipelineMLPredictor",
    "PipelineManager",
    "PipelineOptimizationEngine",
    "Worker",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home (PEP 562)."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cipredict' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
