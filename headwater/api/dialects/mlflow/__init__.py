"""MLflow's model registry protocol, so that its own clients work with the catalog."""

from headwater.api.dialects.mlflow.admission import MLFLOW
from headwater.api.dialects.mlflow.resource import mlflow_resources

__all__ = ["MLFLOW", "mlflow_resources"]
