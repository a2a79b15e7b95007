"""What runs inside a step's container; imports no Airflow and no Kubernetes."""
