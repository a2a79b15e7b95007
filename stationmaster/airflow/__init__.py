"""What a DAG file imports; as light as KubernetesPodOperator allows."""
