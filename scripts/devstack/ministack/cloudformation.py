# CloudFormation converts parameters to the types of the properties that refer to them. MiniStack
# 1.5 does not: a mapping then stays enabled ("false" is true), and its poller fails to compare a
# number with a MaximumConcurrency of "5".
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

MAPPING = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]


def typed(properties):
    properties = dict(properties)
    if isinstance(properties.get("Enabled"), str):
        properties["Enabled"] = properties["Enabled"].lower() == "true"
    scaling = dict(properties.get("ScalingConfig") or {})
    if "MaximumConcurrency" in scaling:
        properties["ScalingConfig"] = {**scaling, "MaximumConcurrency": int(scaling["MaximumConcurrency"])}
    return properties


def create(logical_id, properties, stack, plain=MAPPING["create"]):
    physical_id, attributes = plain(logical_id, typed(properties), stack)
    if typed(properties).get("Enabled") is False:
        lambda_svc._esms[physical_id]["State"] = "Disabled"
    return physical_id, attributes


def update(physical_id, old, new, stack, plain=MAPPING["update"]):
    return plain(physical_id, typed(old), typed(new), stack)


MAPPING.update(create=create, update=update)
